// Buttons that copy what is shown shortened.

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea"); // without TLS there is no other way
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  await copy(button.dataset.text);
  button.textContent = "copied";
  setTimeout(() => { button.textContent = "copy"; }, 1000);
});
