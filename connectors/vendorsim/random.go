package vendorsim

import "time"

// random is a repeatable sequence (splitmix64) that begins where seed, stream,
// resource and time say.
type random struct{ state uint64 }

func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// keyed folds texts into one starting value.
func keyed(seed uint64, texts ...string) uint64 {
	h := mix(seed ^ 0xcbf29ce484222325)
	for _, s := range texts {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 0x100000001b3
		}
		h = mix(h ^ 0xff)
	}
	return h
}

func sequence(key uint64, at time.Time) random {
	return random{mix(key ^ uint64(at.Unix())*0x9e3779b97f4a7c15)}
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

// share is uniform in [0, 1).
func (r *random) share() float64 { return float64(r.next()>>11) / (1 << 53) }

// below is uniform in [0, n).
func (r *random) below(n int) int {
	if n <= 0 {
		return 0
	}
	return int(r.next() % uint64(n))
}

// between is uniform in [low, high].
func (r *random) between(low, high int) int { return low + r.below(high-low+1) }

// chance is true with probability p.
func (r *random) chance(p float64) bool { return r.share() < p }

// count is a whole number whose mean is rate.
func (r *random) count(rate float64) int {
	n := int(rate)
	if r.share() < rate-float64(n) {
		n++
	}
	return n
}

// id is a 16-digit number below 2^53, as the vendor's datastore gives out.
func (r *random) id() int64 { return 5_000_000_000_000_000 + int64(r.next()%4_000_000_000_000_000) }
