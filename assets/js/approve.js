// The approval page works without this: it turns stored times into the reader's own, and counts down to the deadline.
(() => {
  const full = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  for (const element of document.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const today = moment.toDateString() === new Date().toDateString();
    const text = today ? moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : moment.toLocaleString([], full);
    element.textContent = today ? `today ${text}` : text;
    element.title = moment.toLocaleString([], { ...full, year: "numeric", timeZoneName: "short" });
  }
  const box = document.querySelector("[data-due]");
  const left = box?.querySelector("[data-left]");
  const words = (seconds) => {
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor((seconds % 86400) / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    if (days) return `${days} d ${hours} h left`;
    if (hours) return `${hours} h ${minutes} min left`;
    if (minutes >= 5) return `${minutes} min left`;
    return minutes ? `${minutes} min ${seconds % 60} s left` : `${seconds} s left`;
  };
  const tick = () => {
    const seconds = Math.floor((new Date(box.dataset.due).getTime() - Date.now()) / 1000);
    left.textContent = seconds > 0 ? words(seconds) : "The time to answer is over";
    if (seconds > 0) setTimeout(tick, seconds < 300 ? 1000 : 15000);
    else box.classList.add("over");
  };
  if (left) tick();
  // one press decides once
  document.getElementById("answer")?.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => delete document.getElementById("answer")?.dataset.sent);
  (document.querySelector(".invalid input, .invalid select, .invalid textarea") || document.getElementById("alert"))?.focus();
})();
