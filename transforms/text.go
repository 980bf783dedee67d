package transforms

import (
	"bytes"
	"unsafe"
)

var (
	quote         = []byte{'"'}
	comma         = []byte{','}
	byteOrderMark = []byte("\uFEFF") // may precede a document
	replacement   = []byte("\uFFFD") // stands for bytes that are not UTF-8
)

// isBlank reports whether b is white space only.
func isBlank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// text views b as a string for the length of a call.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
