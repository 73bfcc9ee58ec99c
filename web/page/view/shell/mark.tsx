/** The mark of the product, as in the icon of the page. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <path
        class="mark-bubble"
        d="M9 8h14a3 3 0 0 1 3 3v8a3 3 0 0 1-3 3h-7.5L10 26.5V22H9a3 3 0 0 1-3-3v-8a3 3 0 0 1 3-3z"
      />
      <g class="mark-ground">
        <circle cx="11" cy="15" r="1.8" />
        <circle cx="16" cy="15" r="1.8" />
        <circle cx="21" cy="15" r="1.8" />
      </g>
    </svg>
  );
}
