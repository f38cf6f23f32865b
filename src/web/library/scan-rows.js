// Scans that run, as people see them come along.
import { element } from '../dom.js';

/** @param {import('./scans.js').Scan[]} scans that are running */
export function scanRows(scans) {
  return scans.map(scan => {
    const done = scan.probed + scan.failed;
    const text =
      scan.total > 0 ? `Scanning ${scan.name}: ${done} of ${scan.total} files` : `Scanning ${scan.name}: ${scan.found} files found`;
    return element(
      'div',
      { class: 'scan-row' },
      element('span', {}, text),
      element('progress', { max: Math.max(scan.total, 1), value: done, 'aria-label': text }),
    );
  });
}
