import { useEffect, useState } from "preact/hooks";

/** How long a toast is shown, in milliseconds. */
const shownFor = 4_000;

let show: ((text: string) => void) | null = null;

/** Says briefly that something was done, where nothing else shows it. */
export function toast(text: string): void {
  show?.(text);
}

/** The place of toasts. The page has one. */
export function ToastArea() {
  const [shown, setShown] = useState<{ readonly text: string } | null>(null);
  useEffect(() => {
    show = (text) => setShown({ text });
    return () => {
      show = null;
    };
  }, []);
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(() => setShown(null), shownFor);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div class="toast" role="status">
      {shown && <p>{shown.text}</p>}
    </div>
  );
}
