// What only a browser can do: clocks that tick, ages that grow, and fetching a chart in the colours that it shows.
(() => {
  const words = window.coldsealWords;
  const skewMs = words.now_ms - Date.now(); // ages count by the server's clock
  const now = () => Date.now() + skewMs;
  const beijing = new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "medium" });

  function fill(key, values) {
    return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  function age(atMs, freshMs) {
    const pastMs = Math.max(0, now() - atMs);
    if (pastMs > freshMs) {
      const [day, time] = beijing.format(atMs).split(" ");
      const today = beijing.format(now()).startsWith(day);
      return fill("stale", { time: today ? time : `${day.slice(5)} ${time}` });
    }
    for (const [unit, ms] of [["d", 86400000], ["h", 3600000], ["min", 60000]]) {
      if (pastMs >= ms) return fill(unit, { n: Math.floor(pastMs / ms) });
    }
    return fill("s", { n: Math.floor(pastMs / 1000) });
  }

  function tick() {
    for (const element of document.querySelectorAll("[data-age]")) {
      const atMs = Number(element.dataset.age);
      const freshMs = Number(element.dataset.fresh);
      const text = age(atMs, freshMs);
      if (element.textContent !== text) element.textContent = text;
      element.classList.toggle("stale", now() - atMs > freshMs);
    }
    for (const element of document.querySelectorAll("[data-clock]")) {
      const text = beijing.format(now()).split(" ")[element.dataset.clock]; // 0 the day, 1 the time
      if (element.textContent !== text) element.textContent = text; // an unchanged page must not wake its observer
    }
  }

  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const phone = window.matchMedia("(max-width: 720px)");
  let wanted = null;

  async function draw(id, url) {
    const mine = (wanted = { id, url });
    const problem = document.querySelector(`[data-chart-problem="${id}"]`);
    try {
      const answer = await fetch(`${url}&theme=${dark.matches ? "dark" : "light"}&narrow=${phone.matches}`);
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const option = await answer.json();
      option.tooltip.formatter = tooltip;
      while (mine === wanted && !getElement(id)?.chart) await new Promise((done) => setTimeout(done, 20));
      if (mine !== wanted) return;
      getElement(id).chart.setOption(option, true);
      problem.textContent = "";
    } catch (error) {
      if (mine === wanted) problem.textContent = fill("failed", { detail: error.message });
    }
  }

  function tooltip(points) {
    const shown = points.filter((point) => point.value[1] !== null && point.seriesName !== "coverage");
    if (!shown.length) return "";
    const time = new Date(shown[0].value[0]).toISOString().slice(11, 19); // already Beijing's wall time
    return `${time}<br><b>${shown[0].value[1]}\u2009kW</b>`;
  }

  const redraw = () => wanted && draw(wanted.id, wanted.url);
  dark.addEventListener("change", redraw);
  phone.addEventListener("change", redraw);
  setInterval(tick, 1000);
  new MutationObserver(tick).observe(document.documentElement, { childList: true, subtree: true });
  window.coldseal = { draw };
})();
