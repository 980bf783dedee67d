package vendorsim

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// pipes are loopback addresses that exist only in memory.
type pipes struct {
	mu        sync.Mutex
	listeners map[string]*pipeListener
}

func newPipes() *pipes { return &pipes{listeners: map[string]*pipeListener{}} }

// listen gives out the next address; a wanted one is ignored.
func (p *pipes) listen(string) (net.Listener, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	address := pipeAddr(fmt.Sprintf("127.0.0.1:%d", len(p.listeners)+1))
	l := &pipeListener{address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	p.listeners[string(address)] = l
	return l, nil
}

func (p *pipes) dial(ctx context.Context, _, address string) (net.Conn, error) {
	p.mu.Lock()
	l := p.listeners[address]
	p.mu.Unlock()
	if l == nil {
		return nil, fmt.Errorf("vendorsim: nothing listens at %s", address)
	}
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Transport reaches the servers of [World.StartInMemory]; of [World.Start] it
// is an ordinary one. The caller closes its idle connections.
func (run *Running) Transport() *http.Transport {
	if run.pipes == nil {
		return &http.Transport{}
	}
	return &http.Transport{DialContext: run.pipes.dial}
}

// ServeInMemory serves h over pipes, as [World.StartInMemory] serves a world.
// stop ends the server and waits for it.
func ServeInMemory(h http.Handler) (url string, transport *http.Transport, stop func()) {
	run := &Running{pipes: newPipes()}
	l, _ := run.pipes.listen("") // an address in memory is always free
	run.serve(l, h)
	transport = run.Transport()
	return "http://" + l.Addr().String(), transport, func() {
		transport.CloseIdleConnections()
		run.Close()
	}
}

type pipeAddr string

func (pipeAddr) Network() string  { return "pipe" }
func (a pipeAddr) String() string { return string(a) }

type pipeListener struct {
	address pipeAddr
	conns   chan net.Conn
	once    sync.Once
	closed  chan struct{}
}

func (l *pipeListener) Addr() net.Addr { return l.address }

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
