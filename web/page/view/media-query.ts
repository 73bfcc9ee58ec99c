import { useEffect, useState } from "preact/hooks";

/** Wide enough for the list of rooms beside the messages. */
export const wide = "(min-width: 60rem)";
/** Wide enough for the list of people as well. */
export const veryWide = "(min-width: 72rem)";

/** Whether a media query is true. */
export function useMedia(query: string): boolean {
  const [is, setIs] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const look = () => setIs(media.matches);
    media.addEventListener("change", look);
    look();
    return () => media.removeEventListener("change", look);
  }, [query]);
  return is;
}
