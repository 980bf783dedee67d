package bigquerytest

import "time"

// JobKind says what a job is to BigQuery's limits.
type JobKind string

const (
	Load   JobKind = "load"   // counts towards 1,500 jobs per table and day
	Select JobKind = "select" // a query that writes nothing
	DML    JobKind = "dml"    // one INSERT, UPDATE, DELETE or MERGE
	Script JobKind = "script" // several statements
	DDL    JobKind = "ddl"
)

// Job is what the server knows of one job, for tests.
type Job struct {
	Project, ID, Location string
	Kind                  JobKind
	// Writes are the tables that the job writes to, as dataset.table, without
	// repeats in the order of first mention; for a load its destination.
	Writes []string
	// Reads are the tables that a query reads, likewise.
	Reads []string
	SQL   string // of queries, as sent
	State string // PENDING, RUNNING or DONE
	// Reason is why it failed, in BigQuery's words ("backendError",
	// "invalidQuery", "stopped"); empty while running and after success.
	Reason, Message string

	MaxBytesBilled int64 // of a query: its cap as sent, 0 without one
	Created        time.Time
	Use
}

// Use is what a job has used and done.
type Use struct {
	Rows           int64 // loaded, affected, or in the result
	UploadedBytes  int64 // of a load
	BytesProcessed int64
	BytesBilled    int64
	SlotMillis     int64
	// Partitions counts the partitions that a load wrote to.
	Partitions int64
	// FullScans are the partitioned tables that a query read without literal
	// bounds on their partitioning column, as dataset.table.
	FullScans []string
}

// Failed reports whether the job is done and failed.
func (j Job) Failed() bool { return j.Reason != "" }

// Jobs lists every job so far, in the order of insertion, failed ones included.
func (s *Server) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Job, len(s.order))
	for i, j := range s.order {
		all[i] = j.Job
	}
	return all
}

// CountJobs counts the jobs that write to a table ("dataset.table"; empty for
// any or none) by kind, failed ones included, as BigQuery's quotas do.
func (s *Server) CountJobs(table string) map[JobKind]int {
	n := map[JobKind]int{}
	for _, j := range s.Jobs() {
		if table == "" {
			n[j.Kind]++
			continue
		}
		for _, t := range j.Writes {
			if t == table {
				n[j.Kind]++
				break
			}
		}
	}
	return n
}
