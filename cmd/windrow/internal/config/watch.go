package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Watch holds the variables of who watches over the runs, as typed.
type Watch struct {
	MaxLag string `envconfig:"MAX_LAG" desc:"lag above which a stream is late, and windrow status exits 3: 36h, 2d; unset: 36h, and status exits 0"`
}

// WatchSettings are [Watch], understood.
type WatchSettings struct {
	MaxLag time.Duration // 0: not set
}

var errLag = errors.New("is not a duration above zero, in hours or days")

// Lag reads a lag: 36h, 90m, 2d.
func Lag(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil || n == 0 || n > math.MaxInt64/uint64(24*time.Hour) {
			return 0, errLag
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errLag
	}
	return d, nil
}

// Parse sets s and lists everything that is wrong with c.
func (c Watch) Parse(s *WatchSettings) []pipeline.ConfigError {
	var faults faultList
	if strings.TrimSpace(c.MaxLag) != "" {
		var err error
		if s.MaxLag, err = Lag(c.MaxLag); err != nil {
			faults.add("MAX_LAG", err.Error(), "36h")
		}
	}
	return faults
}
