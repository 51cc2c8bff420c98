"""The release, as envelopes carry it: written here too, because asking the installed package costs an agent 2 MB."""

RELEASE = "0.1.0"
