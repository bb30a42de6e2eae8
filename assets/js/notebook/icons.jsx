// Icons only the notebook needs; the common ones are in ../icons.jsx. Same grid, same stroke.
import { Icon } from "../icons.jsx";

const PATHS = {
  grip: <path d="M6 4h.01M10 4h.01M6 8h.01M10 8h.01M6 12h.01M10 12h.01" strokeWidth="2" />,
  code: <path d="M6 5L3 8l3 3M10 5l3 3-3 3" />,
  loop: <path d="M3.500 7.500a4.500 4.500 0 0 1 8-2.500M12.500 8.500a4.500 4.500 0 0 1-8 2.500M11.800 2.500v2.700H9.100M4.200 13.500v-2.700h2.700" />,
  branch: <path d="M5 3v10M5 9c0-3 6-1 6-4.500M5 3.010h.010M11 3.800v.700" />,
  note: <path d="M3.500 4h9M3.500 8h9M3.500 12h5" />,
  fx: <path d="M9.500 3.500c-2-1-2.800.500-3 2l-1 7M4.500 7h4M9.500 8l3.500 4M13 8l-3.500 4" />,
  undo: <path d="M4 6.500h5a3 3 0 0 1 0 6H6M6.500 3.500l-3 3 3 3" />,
  redo: <path d="M12 6.500H7a3 3 0 0 0 0 6h3M9.500 3.500l3 3-3 3" />,
  panel: <path d="M2.500 3.500h11v9h-11zM10 3.500v9" />,
  pencil: <path d="M3.500 12.500l.600-2.600L10.500 3.500l2 2-6.400 6.400z" />,
  flag: <path d="M4 13.500v-10M4 3.500h8l-2 2.800 2 2.700H4" />,
  text: <path d="M4 4h8M8 4v8.500" />,
  queued: <path d="M8 2.500a5.500 5.500 0 1 1 0 11 5.500 5.500 0 0 1 0-11zM8 5v3.200l2 1.300" />,
  stale: (
    <>
      <circle cx="8" cy="8" r="5" />
      <path d="M8 3a5 5 0 0 0 0 10z" fill="currentColor" stroke="none" />
    </>
  ),
  never: <circle cx="8" cy="8" r="5" strokeDasharray="2 2.200" />,
  graph: <path d="M5.500 2.500h5v3h-5zM2 10.500h5v3H2zM9 10.500h5v3H9zM8 5.500V8M4.500 10.500V8h7v2.500" />,
  pin: <path d="M8 9.500v4M5 9.500h6l-1-3v-3H6v3z" />,
  comment: <path d="M2.500 3.500h11v7.500h-6l-3 2.500v-2.500h-2z" />,
  keys: <path d="M2 4.500h12v7H2zM4.500 7h.010M7 7h.010M9.500 7h.010M11.800 7h.010M5 9.300h6" />,
  enter: <path d="M12.500 4v4.500h-9M6 6L3.500 8.500 6 11" />,
  sliders: <path d="M2.500 4.500h6M11.500 4.500h2M2.500 11.500h2M7.500 11.500h6M8.500 3v3M4.500 10v3" />,
  sparkle: <path d="M8 2.500l1.300 4.200 4.200 1.300-4.200 1.300L8 13.500l-1.300-4.200L2.500 8l4.200-1.300z" />,
  collapse: <path d="M4 6.500l4 4 4-4" />,
  expand: <path d="M6.500 4l4 4-4 4" />,
};

export function Glyph({ name, size = 14, className = "" }) {
  const path = PATHS[name];
  if (!path) return <Icon name={name} size={size} className={className} />;
  return (
    <svg className={`icon ${className}`} width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      {path}
    </svg>
  );
}
