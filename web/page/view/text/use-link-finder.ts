import { useEffect, useState } from "preact/hooks";
import { findsLinks, loadLinkFinder, mayHaveLinks } from "../../text";
import { loadChunk } from "../../update/load-chunk";

/** Returns whether the links of a text are found: what finds them is loaded for the first text that may have some. */
export function useLinkFinder(text: string): boolean {
  const [isLoaded, setLoaded] = useState(findsLinks);
  const isWanted = !isLoaded && mayHaveLinks(text);
  useEffect(() => {
    if (!isWanted) return;
    let isCurrent = true;
    loadChunk(loadLinkFinder).then(
      () => isCurrent && setLoaded(true),
      () => {}, // the URLs stay text
    );
    return () => {
      isCurrent = false;
    };
  }, [isWanted]);
  return isLoaded;
}
