import { useEffect, useState } from "preact/hooks";

/** Wide enough for the list of rooms beside the messages. */
export const fitsRooms = "(min-width: 60rem)";
/** Wide enough for the list of members as well. */
export const fitsMembers = "(min-width: 72rem)";

/** Whether a media query matches. */
export function useMediaQuery(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const update = () => setMatches(media.matches);
    media.addEventListener("change", update);
    update();
    return () => media.removeEventListener("change", update);
  }, [query]);
  return matches;
}
