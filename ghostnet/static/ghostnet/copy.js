// Buttons that copy what is shown shortened.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.text);
  button.textContent = "✓";
  setTimeout(() => { button.textContent = "⧉"; }, 1000);
});
