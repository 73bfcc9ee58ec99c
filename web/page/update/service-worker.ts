/**
 * Has the browser keep the page, for when the server can't be reached. Browsers allow that over https
 * and on this machine.
 */
export async function keepPage(base: string): Promise<void> {
  if (!isSecureContext || !("serviceWorker" in navigator)) return;
  // It fails if the user does not allow it, or the server is out of reach: the next visit tries again.
  await navigator.serviceWorker.register(new URL("sw.js", base), { updateViaCache: "none" });
}
