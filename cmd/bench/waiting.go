package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// The vendors as they are from afar, and the limits that Windrow keeps to by
// default (_RATE, _POST_QUOTA, _POLL_FIRST).
const (
	callLatency  = 300 * time.Millisecond // of uContact, Chat-Tonic and a download
	reportTakes  = 20 * time.Second       // Dialpad, from POST to ready
	callRate     = 5.0                    // requests a second, uContact and Chat-Tonic each
	dialpadRate  = 20                     // a second, the vendor's own figure
	dialpadPosts = 200                    // an hour
	pollFirst    = 15 * time.Second       // a setting of ours: no report is looked at sooner

	// waitingTargets is how many targets every Dialpad stream asks: with four
	// streams the whole quota of an hour.
	waitingTargets = 50
	waitingAgents  = 120
	waitingGate    = 1.15
)

// callsBound is the least time of n calls at a rate of Windrow's own settings,
// of which the last one is still answered: a call may be sent every 1/rate, the
// first at once.
//
//	(n − 1) ÷ rate + latency
func callsBound(n int, rate float64, latency time.Duration) time.Duration {
	if n == 0 {
		return 0
	}
	return time.Duration(float64(n-1)/rate*float64(time.Second)) + latency
}

// reportsBound is the least time of n reports, each asked for by a POST of its
// own. That costs the POST and at least one look that finds it ready, both
// under the vendor's rate, and then a download. In the simulation the links
// are on a host of their own, so that no rate counts downloads and all may be
// under way together, and POSTs and looks are answered at once.
//
//	ready = max(report's time, POLL_FIRST)
//	ready + max(n − 20, 0) ÷ rate + latency of a download
//
// The vendor documents 20 requests a second and lets a whole second's worth out
// at once. Hence two reasons alike: the last POST goes out (n − 20) ÷ rate after
// the first and its report takes as long; and nothing is found ready before the
// first report is, so that all n looks that find one come after that. Windrow
// spaces its requests evenly, which costs it up to a second more than the bound.
//
// POLL_FIRST is a setting of ours, not a limit of the vendor's; by default a
// report takes longer. Looks that find nothing, which the poll intervals bring,
// are not in the bound. Where n exceeds the quota, whole hours come before the
// last hour's reports.
func reportsBound(n int) time.Duration {
	if n == 0 {
		return 0
	}
	ready := max(reportTakes, pollFirst)
	hours := time.Duration((n-1)/dialpadPosts) * time.Hour
	rest := (n-1)%dialpadPosts + 1                                                // those of the last hour
	behind := time.Duration(max(rest-dialpadRate, 0)) * time.Second / dialpadRate // the first second's worth
	return hours + ready + behind + callLatency
}

// waiting measures the first sync of thirty days of every stream against the
// bound that rates, quotas and latencies set. It runs in real time.
func (o options) waiting(ctx context.Context, w io.Writer) (_ []gate, err error) {
	v, err := startVendors(ctx, vendorOptions{call: callLatency, report: reportTakes})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	var ratios []float64
	for n := range o.pairs {
		sink := filepath.Join(o.work, fmt.Sprintf("waiting-%d", n))
		requests, err := o.plannedRequests(ctx, v.env(sink, waitingTargets, waitingAgents))
		if err != nil {
			return nil, err
		}
		bounds := map[string]time.Duration{
			"ucontact":  callsBound(requests["ucontact"], callRate, callLatency),
			"chattonic": callLatency + callsBound(requests["chattonic"], callRate, callLatency), // a login first
			"dialpad":   reportsBound(requests["dialpad"]),
		}
		bound := max(bounds["ucontact"], bounds["chattonic"], bounds["dialpad"])
		if n == 0 {
			for _, source := range []string{"ucontact", "chattonic", "dialpad"} {
				fmt.Fprintf(w, "%s: %d requests or reports, bound %.1f s\n", source, requests[source], bounds[source].Seconds())
			}
		}
		v.forget()
		cmd := exec.CommandContext(ctx, o.binary, "sync", "--json")
		cmd.Env = v.env(sink, waitingTargets, waitingAgents)
		began := time.Now()
		m, err := run(o.stopwatch, cmd, filepath.Join(sink, "*", "*", "*", "*", "*", "*.parquet"))
		if err != nil {
			return nil, err
		}
		ratio := m.Wall.Seconds() / bound.Seconds()
		ratios = append(ratios, ratio)
		fmt.Fprintf(w, "run %d: bound %.1f s, wall %.2f s, ratio %.3f, CPU %.2f s, peak %d MiB; %s\n",
			n+1, bound.Seconds(), m.Wall.Seconds(), ratio, m.CPU.Seconds(), m.Peak/mib, v.story(began))
	}
	return []gate{{What: "waiting: first sync of 30 days, wall, best run", Value: slices.Min(ratios), Gate: waitingGate, Unit: "wall ÷ bound"}}, nil
}

// plannedRequests asks `windrow plan` what a sync will cost, by source.
func (o options) plannedRequests(ctx context.Context, env []string) (map[string]int, error) {
	cmd := exec.CommandContext(ctx, o.binary, "plan", "--json")
	cmd.Env, cmd.Stderr = env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	var plan []struct {
		Stream   string `json:"stream"`
		Requests int    `json:"requests"`
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	sums := map[string]int{}
	for _, p := range plan {
		source, _, _ := strings.Cut(p.Stream, ".")
		sums[source] += p.Requests
	}
	return sums, nil
}
