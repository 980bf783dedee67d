package bigquerytest

import (
	"net"
	"net/http"
	"sync"
)

// unused are the connections on which nothing was sent yet. A client that dials twice at once leaves one connection
// unused, and a server that shuts down would wait five seconds for a first request on it.
type unused struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (u *unused) note(c net.Conn, state http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[c] = true
		return
	}
	delete(u.conns, c)
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	for c := range u.conns {
		_ = c.Close() // nothing was sent
	}
}
