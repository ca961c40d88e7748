// Buttons that copy what is shown shortened.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.text);
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1000);
});
