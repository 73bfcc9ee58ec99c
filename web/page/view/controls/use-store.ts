import { useEffect, useState } from "preact/hooks";
import type { Store } from "../../../client";

/** Returns the value of a store, and draws again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [value, setValue] = useState(store.getSnapshot);
  useEffect(() => {
    const update = () => setValue(() => store.getSnapshot());
    update(); // it may have changed before this effect
    return store.subscribe(update);
  }, [store]);
  return value;
}
