# Mosquitto as its makers publish it, with the folder that our settings store its queues in.
FROM eclipse-mosquitto:2.0.22
RUN install -d -o mosquitto -g mosquitto /var/lib/mosquitto /etc/mosquitto/coldseal
USER 1883:1883
VOLUME /var/lib/mosquitto
EXPOSE 8883
CMD ["mosquitto", "-c", "/etc/mosquitto/coldseal/mosquitto.conf"]
