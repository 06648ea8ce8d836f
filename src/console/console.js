// Says whether what was typed arrives: the console may have ended, or be out of reach.
function setLost(isLost) {
  const notice = document.getElementById("lost");
  if (notice) notice.hidden = !isLost;
}
document.addEventListener("htmx:error", () => setLost(true));
document.addEventListener("htmx:after:request", () => setLost(false));
