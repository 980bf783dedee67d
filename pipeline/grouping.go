package pipeline

import "time"

// groupWindows bounds a group commit where the [Grouping] does not.
const groupWindows = 256

// Grouping says when a group of sealed windows is committed: by a sink whose
// commits are dear, many windows at once. A group closes when one of the bounds
// is reached, and when no window that could join it is under way.
type Grouping struct {
	Windows int           // at most so many windows; 0 means 256
	Bytes   int64         // at so many staged bytes; 0 means any
	After   time.Duration // so long after its first window was sealed; 0 means at once
}

// WindowLimit is how many windows a group has at most.
func (g Grouping) WindowLimit() int {
	if g.Windows > 0 {
		return g.Windows
	}
	return groupWindows
}

// Full reports whether a group of so many staged bytes is to close.
func (g Grouping) Full(bytes int64) bool { return g.Bytes > 0 && bytes >= g.Bytes }
