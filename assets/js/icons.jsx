// Line icons on a 16 px grid, one stroke width, drawn in the current colour. Always beside words, so hidden from readers.

const PATHS = {
  workspace: <path d="M2.5 5.5h8v8h-8zM5.5 5.5v-3h8v8h-3" />,
  people: <path d="M6 7.5a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM2 13c0-2.4 1.7-3.8 4-3.8s4 1.4 4 3.8M10.5 3.3a2.2 2.2 0 0 1 0 4M11.8 9.6c1.4.5 2.2 1.7 2.2 3.4" />,
  person: <path d="M8 7.8a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2zM3 13.5c0-2.8 2-4.3 5-4.3s5 1.5 5 4.3" />,
  key: <path d="M7 9a3 3 0 1 1-2.1-.9A3 3 0 0 1 7 9zM6.5 8L13 3M10.5 5l1.8 1.8" />,
  box: <path d="M8 2.5l5 2.6v5.8l-5 2.6-5-2.6V5.1zM3.2 5.2L8 7.8l4.8-2.6M8 7.8v5.6" />,
  calendar: <path d="M3 4h10v9.5H3zM3 7h10M5.5 2.5V5M10.5 2.5V5" />,
  chip: <path d="M5 5h6v6H5zM8 2.5V5M8 11v2.5M2.5 8H5M11 8h2.5" />,
  inbox: <path d="M2.5 9l2-5.5h7l2 5.5v4h-11zM2.5 9H6a2 2 0 0 0 4 0h3.5" />,
  eye: <path d="M1.8 8S4 3.8 8 3.8 14.2 8 14.2 8 12 12.2 8 12.2 1.8 8 1.8 8zM8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z" />,
  mail: <path d="M2.5 4h11v8.5h-11zM2.8 4.5L8 8.7l5.2-4.2" />,
  bell: <path d="M4 10.8V7.5a4 4 0 0 1 8 0v3.3l1.3 1.2H2.7zM6.8 13.8h2.4" />,
  check: <path d="M3.5 8.5l3 3 6-7" />,
  cross: <path d="M4.5 4.5l7 7M11.5 4.5l-7 7" />,
  running: <path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5" />,
  pause: <path d="M6 4v8M10 4v8" />,
  stop: <rect x="4.5" y="4.5" width="7" height="7" rx="1" />,
  skip: <path d="M3.5 8h9M9.5 5l3 3-3 3" />,
  reused: <path d="M3.5 8a4.5 4.5 0 1 0 1.4-3.2M3.2 3v2.6h2.6" />,
  dots: <path d="M4 8h.01M8 8h.01M12 8h.01" strokeWidth="2.2" />,
  stale: <path d="M8 2.5a5.5 5.5 0 1 1 0 11M8 2.5v11" />,
  right: <path d="M6 4l4 4-4 4" />,
  left: <path d="M10 4L6 8l4 4" />,
  down: <path d="M4 6l4 4 4-4" />,
  up: <path d="M4 10l4-4 4 4" />,
  download: <path d="M8 2.5v7.5M5 7.5l3 3 3-3M3 13.5h10" />,
  upload: <path d="M8 10.5V3M5 5.5l3-3 3 3M3 13.5h10" />,
  code: <path d="M5.5 4.5L2 8l3.5 3.5M10.5 4.5L14 8l-3.5 3.5" />,
  copy: <path d="M5.5 5.5h7v7h-7zM3.5 10.5v-7h7" />,
  path: <path d="M3 12.5l3.5-9M9.5 12.5L13 3.5" />,
  plug: <path d="M6 2.5v3M10 2.5v3M4.5 5.5h7v2a3.5 3.5 0 0 1-7 0zM8 11v2.5" />,
  search: <path d="M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10l3.5 3.5" />,
  filter: <path d="M2.5 4h11M4.5 8h7M6.5 12h3" />,
  close: <path d="M4 4l8 8M12 4l-8 8" />,
  file: <path d="M4 2.5h5l3 3v8H4zM9 2.5v3h3" />,
  play: <path d="M5 3.5l7 4.5-7 4.5z" fill="currentColor" />,
  wrap: <path d="M2.5 4h11M2.5 8h8.5a2 2 0 0 1 0 4H8M9.5 10.5L8 12l1.5 1.5M2.5 12h3" />,
  warn: <path d="M8 2.8l5.7 10.2H2.3zM8 6.5v3M8 11.3v.01" />,
  info: <path d="M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 7.5v3.5M8 5.2v.01" />,
  plus: <path d="M8 3.5v9M3.5 8h9" />,
  trash: <path d="M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.5 9h6l.5-9" />,
  table: <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6" />,
  compare: <path d="M6 3H2.5v10H6M10 3h3.5v10H10M8 2v12" />,
  flows: <path d="M3 3h10v4H3zM3 9.5h10v4H3zM8 7v2.5" />,
  clock: <path d="M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3l2 1.5" />,
  theme: <><circle cx="8" cy="8" r="5.5" /><path d="M8 2.5a5.5 5.5 0 0 1 0 11z" fill="currentColor" /></>,
  leave: <path d="M9.5 3h-6v10h6M7 8h6.5M11 5.5L13.5 8 11 10.5" />,
  book: <path d="M3 3h4a1 1 0 0 1 1 1v9a1 1 0 0 0-1-1H3zM13 3H9a1 1 0 0 0-1 1v9a1 1 0 0 1 1-1h4z" />,
  external: <path d="M6.5 3.5h-3v9h9v-3M9 3h4v4M13 3L7.5 8.5" />,
};

export function Icon({ name, size = 14, className = "" }) {
  return (
    <svg className={`icon ${name === "running" ? "spin" : ""} ${className}`} width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {PATHS[name] || null}
    </svg>
  );
}
