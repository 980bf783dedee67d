package object

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strconv"
)

// A Parquet file has its own form, so it proves itself by a text among its metadata: the form's word, its version, and
// the CRC-32C of the whole file with zeros in the place of the eight digits.

const proofDigits = 8

// Unproven is the text that a Parquet file of the form has among the metadata of its columns before [Form.Prove].
func (f Form) Unproven() string {
	return fmt.Sprintf("%s %d %0*d", f.Word, f.Version, proofDigits, 0)
}

// Prove puts the proof into a Parquet file.
func (f Form) Prove(body []byte) error {
	mark := []byte(f.Unproven())
	at := bytes.LastIndex(body, mark) // the metadata stand behind the rows
	if at < 0 {
		return errForeign
	}
	copy(body[at+len(mark)-proofDigits:], fmt.Sprintf("%0*x", proofDigits, crc32.Checksum(body, castagnoli)))
	return nil
}

// Proven checks that nothing of a Parquet file of the form is missing or changed.
func (f Form) Proven(body []byte) error {
	if len(body) == 0 {
		return errEmpty
	}
	word := []byte(f.Word + " ")
	at := bytes.LastIndex(body, word)
	if at < 0 {
		return errForeign
	}
	digits, rest, _ := bytes.Cut(body[at+len(word):], []byte(" "))
	version, err := strconv.Atoi(string(digits))
	switch {
	case err != nil || version < 1 || len(rest) < proofDigits:
		return errForeign
	case version > f.Version:
		return NewerError{What: fmt.Sprintf("it is of form %d, and this version knows none after %d", version, f.Version)}
	}
	end := len(body) - len(rest)
	sum := crc32.Update(0, castagnoli, body[:end])
	sum = crc32.Update(sum, castagnoli, []byte("00000000"))
	sum = crc32.Update(sum, castagnoli, rest[proofDigits:])
	if string(rest[:proofDigits]) != fmt.Sprintf("%0*x", proofDigits, sum) {
		return errProof
	}
	return nil
}
