package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhook is an address that hears of changes, signed as standard-webhooks says. The zero value is none.
type Webhook struct {
	Address
	Key Key
}

// Key signs what is told. Nothing prints it.
type Key struct{ bytes []byte }

// String hides the key.
func (Key) String() string { return "…" }

// GoString hides the key.
func (Key) GoString() string { return "…" }

// leastKey and mostKey are the bytes of a key: standard-webhooks wants 24 and more.
const (
	leastKey = 24
	mostKey  = 64
)

// MakeKey is a command that makes a key.
const MakeKey = "echo whsec_$(openssl rand -base64 32)"

// ParseKey reads a key: whsec_ and base64. The error continues the variable's name, and does not repeat it.
func ParseKey(text string) (Key, error) {
	coded := strings.TrimPrefix(strings.TrimSpace(text), "whsec_")
	b, err := base64.StdEncoding.DecodeString(coded)
	if err != nil {
		b, err = base64.RawStdEncoding.DecodeString(coded)
	}
	if err != nil {
		return Key{}, errors.New("is not whsec_ and base64; make one with `" + MakeKey + "`")
	}
	if len(b) < leastKey || len(b) > mostKey {
		return Key{}, fmt.Errorf("has %d bytes, and %d to %d are a key; make one with `%s`", len(b), leastKey, mostKey, MakeKey)
	}
	return Key{b}, nil
}

// sign is the signature of a message that is sent at a moment.
func (k Key) sign(id string, at int64, body []byte) string {
	mac := hmac.New(sha256.New, k.bytes)
	fmt.Fprintf(mac, "%s.%d.", id, at)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Send sends a message. One that is sent again has the same id, and a signature of its own.
func (w Webhook) Send(ctx context.Context, m Message, now time.Time) error {
	at := now.Unix()
	return post(ctx, w.url, http.Header{
		"Webhook-Id":        {m.ID},
		"Webhook-Timestamp": {strconv.FormatInt(at, 10)},
		"Webhook-Signature": {w.Key.sign(m.ID, at, []byte(m.Body))},
	}, []byte(m.Body))
}
