/** How long after the page has loaded the service worker is started, in milliseconds. */
const delay = 1_000;

/**
 * Has the browser keep the page, for when the server can't be reached. Browsers allow that over https
 * and on this machine. It begins a while after the page has loaded, as it would slow down the first messages.
 */
export function keepPage(base: string): void {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  const register = () =>
    navigator.serviceWorker.register(new URL("sw.js", base), { updateViaCache: "none" }).catch(() => {
      // The browser or its user does not allow it, or the server is out of reach: the next visit tries again.
    });
  const registerLater = () => setTimeout(register, delay);
  if (document.readyState === "complete") registerLater();
  else window.addEventListener("load", registerLater, { once: true });
}
