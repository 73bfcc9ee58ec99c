const shapes = {
  rooms: "M4 6.5h16M4 12h16M4 17.5h16",
  people:
    "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M15.5 4.6a3.5 3.5 0 0 1 0 6M18 14.6c2.1.8 3.5 2.7 3.5 5.4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.5a4.2 4.2 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
  reply: "M9.5 7 4.5 12l5 5M5 12h8.5a6 6 0 0 1 6 6v.5",
  edit: "M4.5 19.5l1-4.2L16 4.8l3.2 3.2L8.7 18.5zM13.5 7.3l3.2 3.2",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10.3 10.5v5.5M13.7 10.5v5.5",
  copy: "M8.5 8.5V4.5h11v11h-4M4.5 8.5h11v11h-11z",
  send: "M3.7 4.2l17 7.8-17 7.8 3-7.8zM6.7 12h6",
  format: "M3.5 18 8 6l4.5 12M5 14h6M20.5 11.5V18M20.5 14.7a3 3 0 1 1-6 0 3 3 0 0 1 6 0z",
  close: "M6 6l12 12M18 6 6 18",
} as const;

/** A decorative icon: the control that it is part of has a label. */
export function Icon({ name }: { name: keyof typeof shapes }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path d={shapes[name]} />
    </svg>
  );
}
