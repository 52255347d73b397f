// Comfort for the approval pages. Every page is complete without this file:
// it counts expiry down, keeps the inbox fresh and stops a double submit.
"use strict";

(() => {
  const main = document.querySelector("main");
  const announcer = document.querySelector("[data-announce]");
  const announce = (text) => {
    if (announcer) announcer.textContent = text;
  };

  // ---- times in the reader's own zone ----
  // The server writes "2026-07-26 12:04:31 UTC"; any other text stays as it is.
  const localTimes = (root) => {
    for (const node of root.querySelectorAll("[data-utc]")) {
      const iso = node.textContent.trim().replace(/ ?UTC$/, "Z").replace(" ", "T");
      const time = /^\d{4}-\d\d-\d\dT.*Z$/.test(iso) ? new Date(iso) : null;
      if (!time || Number.isNaN(time.getTime())) continue;
      const today = time.toDateString() === new Date().toDateString();
      const style = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
      node.textContent = (today ? "today, " : "") + time.toLocaleString([], style);
    }
  };

  // ---- countdowns ----
  // Seconds come from the server and run from the moment they arrived, so a
  // wrong clock on this device does no harm.
  let timers = [];
  const startTimers = (root) => {
    const arrived = Date.now();
    timers = [...root.querySelectorAll("time[data-seconds]")].map((node) => ({
      node,
      ends: arrived + Number(node.dataset.seconds) * 1000,
      left: Number(node.dataset.seconds),
      reload: "reload" in node.dataset,
    }));
    tick();
  };

  const words = (s) => (s >= 60 ? `${Math.floor(s / 60)} min ` : "") + `${s % 60} s`;

  function tick() {
    for (const timer of timers) {
      const left = Math.max(0, Math.ceil((timer.ends - Date.now()) / 1000));
      timer.node.textContent = words(left);
      timer.node.closest(".expiry")?.classList.toggle("soon", left <= 30);
      if (timer.reload && timer.left > 30 && left <= 30 && left > 0) announce(`${left} seconds left to decide.`);
      // The server says what has expired; ask it a moment after the last second.
      if (timer.left > 0 && left === 0) setTimeout(timer.reload ? leave : refresh, 1000);
      timer.left = left;
    }
  }

  let sent = false;
  const leave = () => {
    if (!sent) location.reload();
  };

  // ---- the list of requests ----
  const paths = (root) => [...root.querySelectorAll("[data-card]")].map((card) => card.dataset.card);
  let loading = false;
  let again = false;

  function refresh() {
    if (sent) return;
    if (loading) {
      again = true;
      return;
    }
    loading = true;
    // XMLHttpRequest hands over a parsed document: no HTML string is ever injected.
    const call = new XMLHttpRequest();
    call.open("GET", location.href);
    call.responseType = "document";
    call.onload = () => {
      const next = call.response?.querySelector("[data-requests]");
      // Signed out, moved or failing: let the browser show what the server says.
      if (call.status !== 200 || !next) leave();
      else replace(next, call.response.title);
    };
    call.onloadend = () => {
      loading = false;
      if (again) {
        again = false;
        refresh();
      }
    };
    call.send();
  }

  function replace(next, title) {
    const old = document.querySelector("[data-requests]");
    const before = paths(old);
    const after = paths(next);
    const held = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const hadFocus = old.contains(document.activeElement);

    localTimes(next);
    old.replaceWith(next);
    document.title = title;
    startTimers(next);
    for (const card of next.querySelectorAll("[data-card]")) {
      card.classList.toggle("fresh", !before.includes(card.dataset.card));
    }
    if (hadFocus) {
      const same = [...next.querySelectorAll("a[href]")].find((a) => a.getAttribute("href") === held);
      (same ?? next.querySelector("h1")).focus({ preventScroll: true });
    }
    if (before.join("\n") !== after.join("\n")) announce(next.querySelector("[data-summary]").textContent);
  }

  function listen(path) {
    const live = (on) => {
      for (const node of document.querySelectorAll("[data-live]")) node.hidden = (node.dataset.live === "on") !== on;
    };
    const source = new EventSource(path);
    // Also after a reconnect: what came in meanwhile sent no event here.
    source.onopen = () => {
      live(true);
      refresh();
    };
    source.onerror = () => live(false);
    source.addEventListener("request", refresh);
    source.addEventListener("gone", refresh);
    addEventListener("pagehide", () => source.close());
  }

  // ---- one press, one answer ----
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-once]")) return;
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    // After the submit event, or the browser would drop the form.
    setTimeout(() => {
      for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = true;
      announce("Sending.");
    });
  });

  // A page from the back-forward cache is old news.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });

  localTimes(document);
  startTimers(document);
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);
  if (main?.dataset.events && "EventSource" in window) listen(main.dataset.events);
})();
