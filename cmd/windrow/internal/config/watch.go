package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/notify"
	"github.com/windrow-data/windrow/pipeline"
)

// Watch holds the variables of who watches over the runs, as typed.
type Watch struct {
	Ping    string `envconfig:"PING" desc:"https address of a monitor that waits for pings, as Healthchecks does: told of each sync's beginning and exit code; a secret"`
	Webhook string `envconfig:"WEBHOOK" desc:"https address that is told when a stream has failed, is late or has recovered; a secret"`
	Secret  string `envconfig:"WEBHOOK_SECRET" desc:"key of the webhook's signatures (standard-webhooks): whsec_ and base64"`
	MaxLag  string `envconfig:"MAX_LAG" desc:"lag above which a stream is late, and windrow status exits 3: 36h, 2d; unset: 36h, and status exits 0"`
}

// WatchSettings are [Watch], understood.
type WatchSettings struct {
	Ping    notify.Ping
	Webhook notify.Webhook
	MaxLag  time.Duration // 0: not set
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

// ReadPing finds the monitor before anything else is read, so that it also hears of settings that are wrong.
func ReadPing() notify.Ping {
	var c Watch
	var s WatchSettings
	if Fill(Prefix, &c) == nil {
		_ = c.Parse(&s) // the configuration will say the same, and end the run
	}
	return s.Ping
}

// Parse sets s and lists everything that is wrong with c.
func (c Watch) Parse(s *WatchSettings) []pipeline.ConfigError {
	var faults faultList
	var err error
	if strings.TrimSpace(c.Ping) != "" {
		if s.Ping.Address, err = notify.ParseAddress(c.Ping); err != nil {
			faults.add("PING", err.Error(), "https://hc-ping.com/your-uuid")
		}
	}
	if strings.TrimSpace(c.Webhook) != "" {
		if s.Webhook.Address, err = notify.ParseAddress(c.Webhook); err != nil {
			faults.add("WEBHOOK", err.Error(), "https://hooks.acme.example/windrow")
		}
	}
	switch {
	case strings.TrimSpace(c.Secret) != "":
		if s.Webhook.Key, err = notify.ParseKey(c.Secret); err != nil {
			faults.add("WEBHOOK_SECRET", err.Error(), "")
		}
	case strings.TrimSpace(c.Webhook) != "":
		faults.add("WEBHOOK_SECRET", "is required when WINDROW_WEBHOOK is set; make one with `"+notify.MakeKey+"`", "")
	}
	if strings.TrimSpace(c.MaxLag) != "" {
		if s.MaxLag, err = Lag(c.MaxLag); err != nil {
			faults.add("MAX_LAG", err.Error(), "36h")
		}
	}
	return faults
}
