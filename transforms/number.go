package transforms

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
)

// parseCount reads an integer: "10", "-3", and "10.0" or "1e3" as some writers print counts. Fractions, numbers
// outside int64 and exponents of more than four characters are refused.
func parseCount(b []byte) (int64, bool) {
	b = bytes.TrimSpace(b)
	digits, negative := sign(b)
	var n uint64
	i := 0
	for ; i < len(digits) && isDigit(digits[i]); i++ {
		if i == 18 {
			return parseLongCount(b)
		}
		n = n*10 + uint64(digits[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	if i < len(digits) {
		rest := digits[i:]
		if rest[0] != '.' || len(bytes.Trim(rest[1:], "0")) > 0 {
			return parseLongCount(b)
		}
	}
	if negative {
		return -int64(n), true
	}
	return int64(n), true
}

// parseLongCount reads what the fast path does not: 19 digits, exponents.
func parseLongCount(b []byte) (int64, bool) {
	whole := b
	if i := bytes.IndexByte(b, '.'); i > 0 && len(bytes.Trim(b[i+1:], "0")) == 0 {
		whole = b[:i]
	}
	if n, err := strconv.ParseInt(text(whole), 10, 64); err == nil {
		return n, true
	}
	x, ok := parseNumber(b)
	if !ok || x != math.Trunc(x) || math.Abs(x) > 1<<63 {
		return 0, false
	}
	// A float64 may have rounded digits away.
	if i := bytes.IndexAny(b, "eE"); i < 0 || len(b)-i > len("e-999") {
		return 0, false
	}
	exact, ok := new(big.Rat).SetString(text(b))
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		return 0, false
	}
	return exact.Num().Int64(), true
}

// powers holds the powers of ten that a float64 holds exactly.
var powers = [...]float64{
	1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// parseNumber reads a decimal number as the nearest float64, exactly as strconv.ParseFloat does. NaN, infinities,
// hexadecimal digits and numbers outside float64 are refused.
func parseNumber(b []byte) (float64, bool) {
	b = bytes.TrimSpace(b)
	digits, negative := sign(b)
	var mantissa uint64
	count, fraction, point := 0, 0, false
	for _, c := range digits {
		switch {
		case isDigit(c):
			mantissa = mantissa*10 + uint64(c-'0')
			if count++; point {
				fraction++
			}
		case c == '.' && !point:
			point = true
		default:
			return parseLongNumber(b)
		}
	}
	if count == 0 {
		return 0, false
	}
	if count > 15 { // the mantissa might not fit a float64
		return parseLongNumber(b)
	}
	// Both operands are exact, so the quotient is the nearest float64.
	x := float64(mantissa) / powers[fraction]
	if negative {
		x = -x
	}
	return x, true
}

// parseMeasure reads what a column of Number, Minutes or Milliseconds holds. Minutes that are no float64 in seconds are
// refused: they would become infinite.
func parseMeasure(c Conv, b []byte) (float64, bool) {
	x, ok := parseNumber(b)
	switch c {
	case Minutes:
		x *= 60
	case Milliseconds:
		x /= 1000
	}
	return x, ok && !math.IsInf(x, 0)
}

// parseLongNumber reads long mantissas and exponents.
func parseLongNumber(b []byte) (float64, bool) {
	for _, c := range b {
		if !isDigit(c) && c != '.' && c != '-' && c != '+' && c != 'e' && c != 'E' {
			return 0, false
		}
	}
	x, err := strconv.ParseFloat(text(b), 64)
	return x, err == nil
}

// parseBool reads true, false, 1 and 0, in any case.
func parseBool(b []byte) (value, ok bool) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 1 && (b[0] == '1' || b[0] == '0'):
		return b[0] == '1', true
	case bytes.EqualFold(b, []byte("true")):
		return true, true
	case bytes.EqualFold(b, []byte("false")):
		return false, true
	}
	return false, false
}

// sign splits a leading sign off.
func sign(b []byte) (digits []byte, negative bool) {
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		return b[1:], b[0] == '-'
	}
	return b, false
}
