// Package personal says what leaves in the place of personal data: nothing, or a keyed hash that equal people share
// whatever vendor, column or run tells of them.
//
// It makes a [pipeline.Policy] and nothing else: which values are personal is declared by the tables and the mappings,
// and package transforms hands each of them to the policy. It reads no row and no environment. Start at policy.go;
// normal.go says when two texts mean the same person.
package personal
