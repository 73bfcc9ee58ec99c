/**
 * Has the browser keep the page, for when the server can't be reached. Browsers allow that over https
 * and on this machine. It begins after the page has loaded, and waits for nothing.
 */
export function keepPage(base: string): void {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  const register = () =>
    navigator.serviceWorker.register(new URL("sw.js", base), { updateViaCache: "none" }).catch(() => {
      // The browser or its user does not allow it, or the server is out of reach: the next visit tries again.
    });
  if (document.readyState === "complete") void register();
  else window.addEventListener("load", register, { once: true });
}
