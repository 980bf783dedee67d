package main

import (
	"context"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/contactquery"
)

// queryContacts runs the query that contacts come from, whichever sink is in use: under BigQuery's cap, and by its emulator
// where one is named.
func queryContacts(ctx context.Context, address string) (push.Rows, error) {
	var c bigquery.Config
	prefix := config.SinkPrefix(bigquery.Scheme)
	if err := config.Fill(prefix, &c); err != nil {
		return nil, err
	}
	settings, faults := c.Settings(prefix)
	emulator, wrong, err := bigQueryEmulator()
	if err != nil {
		return nil, err
	}
	if faults = append(faults, wrong...); len(faults) > 0 {
		return nil, &faultsError{faults}
	}
	q, err := contactquery.Open(ctx, address, bigquery.Options{MaxBytesBilled: settings.MaxBytesBilled, Emulator: emulator})
	if err != nil {
		return nil, err
	}
	return q, nil
}
