// Package page opens the report's pages in a real browser: Debian's chromium, driven over its own protocol. The pages are
// those that the tests of cmd/windrow/internal/page make of their warehouses.
//
// It is a module of its own, so that the program depends on no browser. `.ci/run page` runs it, and tells it by AXE where
// axe-core's script is.
package page
