// Package archive keeps the bodies of vendors as files that anybody can read, in a volume: a directory, or whatever else
// implements the interface of sinks/internal/volume. It implements pipeline/archive.Archive.
//
// Beneath the archive's root:
//
//	source=…/account=…/stream=…/date=…/<read at>_<request>_<SHA-256>.csv.zst      the vendor's bytes, for zstdcat
//	source=…/account=…/stream=…/date=…/<read at>_<request>_<SHA-256>.meta.json    what was asked, and each reading of the bytes
//
// The date is the local date of the first window's start, in the zone that it was cut in. The request and the SHA-256 are
// 16 hexadecimal digits of a digest.
//
// A body is compressed while it is read, into a draft out of sight. When the answer ends, and the volume keeps others out,
// its description takes its name first and the body its own last: a description without a body is what a killed run leaves.
// The next run that keeps something in the same folder uses it or takes it away. Bytes that are kept already get a further
// reading.
//
// Start at store.go; answer.go keeps, documents.go finds.
package archive
