package enginehost

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"

	"github.com/cognate-bi/cognate/engine/qix"
	"github.com/cognate-bi/cognate/engine/session"
)

// Close codes that clients know.
const (
	closeTerminating = 4003
	closeSlow        = 1013 // try again later: the client did not read
	closeTooBig      = 1009
)

// Timings of a socket.
const (
	// firstFrameDelay keeps OnConnected apart from the answer to the upgrade:
	// gopherciser loses frames that arrive together with it (seen on loopback;
	// gone from 40 ms on).
	firstFrameDelay = 50 * time.Millisecond
	writeTimeout    = 30 * time.Second
	pingEvery       = 30 * time.Second
	pongTimeout     = 75 * time.Second
	drainTimeout    = 5 * time.Second
)

// A socket is one client connection with its queue of frames to send.
type socket struct {
	ws   *websocket.Conn
	host *Host

	mu      sync.Mutex
	frames  [][]byte
	bytes   int            // of frames that wait or are being written
	writing bool           // by a goroutine that lasts as long as there is something to write
	writers sync.WaitGroup // that goroutine
	done    chan struct{}
	ended   bool
	code    int
	message string
}

// socket serves one connection until it ends.
func (h *Host) socket(ws *websocket.Conn, r route, key string, who client) {
	s := &socket{ws: ws, host: h, done: make(chan struct{})}
	if !h.add(s) {
		s.refuse("SESSION_ERROR_LIMIT_EXCEEDED")
		return
	}
	defer h.remove(s)
	sess, attached, err := h.sessions.Attach(key, who.name, who.user, h.gate(who))
	if err != nil {
		s.refuse("SESSION_ERROR_LIMIT_EXCEEDED")
		return
	}
	defer h.sessions.Detach(sess, r.ttl)

	conn := qix.NewConn(sess, s.emit, h.opt.Log, h.opt.Limits)
	conn.Watch(func(d *qix.Done) func() { return h.watch(&who, d) })
	defer conn.Close()
	stopPings := s.ping()
	s.connect(sess, r, attached)
	s.read(conn)
	s.end(websocket.CloseNormalClosure, "")
	s.writers.Wait()
	stopPings()
	s.mu.Lock()
	s.drop()
	s.mu.Unlock()
}

func (h *Host) add(s *socket) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return false
	}
	h.sockets[s] = struct{}{}
	h.wg.Add(1)
	return true
}

func (h *Host) remove(s *socket) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.sockets, s)
	h.wg.Done()
}

// refuse tells why there is no session and closes.
func (s *socket) refuse(state string) {
	_ = s.ws.SetWriteDeadline(time.Now().Add(time.Second)) // it is over anyway
	_ = s.ws.WriteMessage(websocket.TextMessage, qix.Notification("OnConnected", [2]string{"qSessionState", state}))
	_ = s.ws.Close()
}

// connect opens what the path names and sends the first frame. An app in
// memory exists from here on; a stored one is opened by OpenDoc.
func (s *socket) connect(sess *session.Session, r route, attached bool) {
	state := "SESSION_CREATED"
	if attached {
		state = "SESSION_ATTACHED"
	}
	if strings.HasPrefix(r.app, sessionAppPrefix) && !attached {
		if err := sess.OpenSessionApp(r.app); err != nil {
			s.host.opt.Log.Warn("session app not opened", "app", r.app, "err", err)
			state = "SESSION_ERROR_APP_FAILURE"
		}
	}
	timer := time.NewTimer(firstFrameDelay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.done:
	}
	s.emit(qix.Notification("OnConnected", [2]string{"qSessionState", state}))
}

// read hands frames of the client on until the connection ends.
func (s *socket) read(conn *qix.Conn) {
	s.ws.SetReadLimit(int64(s.host.opt.Limits.FrameBytes))
	alive := func(string) error { return s.ws.SetReadDeadline(time.Now().Add(pongTimeout)) }
	s.ws.SetPongHandler(alive)
	_ = alive("") // an error of the connection shows when it is read
	for {
		kind, frame, err := s.ws.ReadMessage()
		if err != nil {
			if errors.Is(err, websocket.ErrReadLimit) {
				s.drain() // the library has told the client why
				s.end(closeTooBig, "frame too large")
			}
			return
		}
		_ = alive("")
		if kind == websocket.TextMessage || kind == websocket.BinaryMessage {
			conn.Receive(frame)
		}
	}
}

// drain reads on for a moment what a client still sends of a frame that is too
// large: closing a connection with bytes unread would reset it, and the client
// would not learn why.
func (s *socket) drain() {
	conn := s.ws.NetConn()
	if conn.SetReadDeadline(time.Now().Add(drainTimeout)) == nil {
		_, _ = io.CopyN(io.Discard, conn, int64(s.host.opt.Limits.FrameBytes)) // whatever ends it, the socket ends
	}
}

// emit queues a frame. A client that leaves too much unread is cut off.
func (s *socket) emit(frame []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	before := s.bytes
	s.bytes += len(frame)
	all := s.host.unsent.Add(int64(len(frame)))
	if before > 0 && s.bytes > s.host.opt.WriteMax || before > unreadMin && all > int64(s.host.opt.WriteAllMax) {
		s.frames = append(s.frames, frame)
		s.drop()
		s.endLocked(closeSlow, "client does not read")
		_ = s.ws.NetConn().SetWriteDeadline(time.Now()) // what is being written has no end either
		return
	}
	s.frames = append(s.frames, frame)
	s.signal()
}

// unreadMin is how much a client may leave unread when all together leave too
// much: those that read are not cut off for the others.
const unreadMin = 1 << 20

// drop gives up the frames that wait.
func (s *socket) drop() {
	for _, f := range s.frames {
		s.sent(len(f))
	}
	s.frames = nil
}

// sent notes that a frame does not take memory any more. The caller holds mu.
func (s *socket) sent(sizeBytes int) {
	s.bytes -= sizeBytes
	s.host.unsent.Add(-int64(sizeBytes))
}

// signal sees to it that somebody writes. The caller holds mu.
func (s *socket) signal() {
	if s.writing {
		return
	}
	s.writing = true
	s.writers.Go(s.write)
}

// end stops the socket after the frames that wait.
func (s *socket) end(code int, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(code, message)
}

func (s *socket) endLocked(code int, message string) {
	if s.ended {
		return
	}
	s.ended, s.code, s.message = true, code, message
	close(s.done)
	s.signal()
}

// close ends the socket from outside: reading stops too.
func (s *socket) close(code int, message string) { s.end(code, message) }

// next takes the frames that wait. ok = false says that there is nothing to do
// for the time being, and last that nothing will be.
func (s *socket) next() (frames [][]byte, last, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames, s.frames = s.frames, nil
	if len(frames) == 0 && !s.ended {
		s.writing = false
		return nil, false, false
	}
	return frames, s.ended, true
}

// writeAll sends frames, up to the first that cannot be.
func (s *socket) writeAll(frames [][]byte) (err error) {
	for _, f := range frames {
		if err == nil {
			_ = s.ws.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error shows when it is written
			err = s.ws.WriteMessage(websocket.TextMessage, f)
		}
		s.mu.Lock()
		s.sent(len(f))
		s.mu.Unlock()
	}
	return err
}

// write sends the frames that wait; at the end it closes the connection, which
// ends reading.
func (s *socket) write() {
	for {
		frames, last, ok := s.next()
		if !ok {
			return
		}
		if err := s.writeAll(frames); err != nil {
			s.end(websocket.CloseAbnormalClosure, "")
			_ = s.ws.Close() // it does not take anything
			return
		}
		if last {
			_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(s.code, s.message), time.Now().Add(time.Second))
			_ = s.ws.Close()
			return
		}
	}
}

// ping keeps the connection from being cut for silence, until stop.
func (s *socket) ping() (stop func() bool) {
	var timer *time.Timer
	set := make(chan struct{}) // the timer is known
	timer = time.AfterFunc(pingEvery, func() {
		<-set
		_ = s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)) // who has gone does not answer, and that ends it
		select {
		case <-s.done:
		default:
			timer.Reset(pingEvery)
		}
	})
	close(set)
	return timer.Stop
}
