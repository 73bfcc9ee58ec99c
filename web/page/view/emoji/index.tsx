import { useEffect, useState } from "preact/hooks";
import { loadChunk } from "../../update/load-chunk";
import type { PickerProps } from "./picker";

export type { PickerProps } from "./picker";

type Picker = typeof import("./picker").Picker;

let loaded: Picker | null = null;

/** A popover, or a sheet on a phone, to pick an emoji from. It is loaded when it is first shown. */
export function EmojiPicker(props: PickerProps) {
  const [Picker, setPicker] = useState<Picker | null>(() => loaded);
  useEffect(() => {
    if (Picker) return;
    let wanted = true;
    loadChunk(() => import("./picker")).then((module) => {
      loaded = module.Picker;
      if (wanted) setPicker(() => module.Picker);
    }, props.onClose);
    return () => {
      wanted = false;
    };
  }, []);
  return Picker && <Picker {...props} />;
}
