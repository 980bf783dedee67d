package vendorsim

import (
	"net"
	"sync"
)

// Break breaks connections of the uContact host off at a byte, below HTTP: in the middle of a request, or of an answer's
// status line, headers or body. With TLS above, the bytes are those of TLS.
type Break struct {
	Skip  int // so many connections go well first
	Times int // then so many break; 0: one, negative: all
	// Side says which bytes are counted.
	Side BreakSide
	// Bytes pass before the break; the connection breaks where the next one would.
	Bytes int
	How   BreakHow
}

// BreakSide is a direction of a connection.
type BreakSide uint8

const (
	BreakRequest BreakSide = iota // the bytes that the server reads
	BreakAnswer                   // the bytes that it writes
)

// BreakHow is how a connection ends.
type BreakHow uint8

const (
	BreakReset BreakHow = iota // with a reset
	BreakClose                 // as an ordinary end
	BreakHang                  // not at all: nothing passes any more
)

// BreakOff arms a break. Breaks are used up in the order of their arming.
func (w *World) BreakOff(b Break) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breaks = append(w.breaks, &armedBreak{Break: b})
}

type armedBreak struct {
	Break
	skipped, done int
}

// breakFor picks the break of a new connection, nil for none.
func (w *World) breakFor() *Break {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.breaks {
		if b.Times >= 0 && b.done >= max(b.Times, 1) {
			continue
		}
		if b.skipped < b.Skip {
			b.skipped++
			return nil
		}
		b.done++
		return &b.Break
	}
	return nil
}

// Breaking returns a listener whose connections break off as [World.BreakOff] says, for a caller that serves
// [World.UContact] itself.
func (w *World) Breaking(l net.Listener) net.Listener { return breaking{l, w} }

type breaking struct {
	net.Listener
	w *World
}

func (l breaking) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if b := l.w.breakFor(); b != nil {
		return &breakingConn{Conn: c, b: *b, left: b.Bytes, closed: make(chan struct{})}, nil
	}
	return c, nil
}

// breakingConn passes so many bytes in one direction and then breaks off.
type breakingConn struct {
	net.Conn
	b Break

	mu     sync.Mutex
	left   int
	once   sync.Once
	closed chan struct{}
}

func (c *breakingConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

func (c *breakingConn) Read(p []byte) (int, error) {
	if c.b.Side != BreakRequest {
		return c.Conn.Read(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left == 0 {
		return 0, c.end()
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

func (c *breakingConn) Write(p []byte) (int, error) {
	if c.b.Side != BreakAnswer {
		return c.Conn.Write(p)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	c.left -= n
	if err == nil && n < len(p) {
		return n, c.end()
	}
	return n, err
}

// end ends the connection as the break says.
func (c *breakingConn) end() error {
	switch c.b.How {
	case BreakHang:
		<-c.closed
		return net.ErrClosed
	case BreakReset:
		if tcp, ok := c.Conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
	}
	_ = c.Conn.Close()
	return net.ErrClosed
}
