package bigquery

import (
	"cloud.google.com/go/bigquery"
)

// Usage is what a store has used of BigQuery since it was opened, as far as
// BigQuery has told: it may keep no statistics of a job.
type Usage struct {
	Loads, Queries int   // jobs that came to an end, failed ones included
	BytesStaged    int64 // that load jobs were sent
	BytesBilled    int64 // of queries
	SlotMillis     int64
}

// Usage sums up the jobs so far; reads of the ledger and the journal, which
// are billed BigQuery's least, 10 MB, are counted as queries without bytes.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

func (s *Store) use(j *bigquery.Job) {
	status := j.LastStatus()
	if status == nil || !status.Done() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if status.Statistics == nil {
		return
	}
	s.used.SlotMillis += status.Statistics.TotalSlotDuration.Milliseconds()
	switch d := status.Statistics.Details.(type) {
	case *bigquery.LoadStatistics:
		s.used.Loads++
		s.used.BytesStaged += d.InputFileBytes
	case *bigquery.QueryStatistics:
		s.used.Queries++
		s.used.BytesBilled += d.TotalBytesBilled
	}
}
