// Whether the page signs in with an account. How it does is a part of its own: see account.ts.

const marker = "signin";

/** Returns the name of the provider, empty if the server has none or does not answer. */
export async function loadProviderName(): Promise<string> {
  try {
    const { provider } = (await (await fetch("signin/provider")).json()) as { provider?: unknown };
    return typeof provider === "string" ? provider : "";
  } catch {
    return ""; // people can join as guests
  }
}

/** Whether the page comes back from the provider. */
export function isSignedIn(address: { readonly search: string }): boolean {
  return new URLSearchParams(address.search).get(marker) === "done";
}

/** Takes the mark of coming back out of the address. */
export function removeMark(address: URL): void {
  address.searchParams.delete(marker);
}
