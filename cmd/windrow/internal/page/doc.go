// Package page draws a report as one HTML file that needs nothing else: no request leaves it, and it can be read without
// its script.
//
// The pictures are inline SVG, made of one path for each state, so that a calendar of years has few elements. Each has a
// table beside it. The script (page.js) adds the date under the pointer, a filter, copy buttons and the page's age. The
// page's own policy names style and script by their hashes and forbids everything else.
//
// Start at [Write].
package page
