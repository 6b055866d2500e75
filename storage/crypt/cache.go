package crypt

import "sync"

// cacheSlots is how many chunks a Body keeps: enough for a few readers that
// go through the body in small steps at different places.
const cacheSlots = 4

// A chunkCache keeps the plaintext of the chunks last read in part. The zero
// value is empty.
type chunkCache struct {
	mu    sync.Mutex
	tick  uint64
	slots [cacheSlots]cacheSlot
}

type cacheSlot struct {
	chunk uint64
	used  uint64 // tick of the last use, 0 if the slot is empty
	plain []byte
	buf   *[]byte // whose array plain lies in
}

// read fills p with the bytes of a chunk from lo on, if the cache has it.
func (c *chunkCache) read(p []byte, chunk, lo uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.find(chunk)
	if s == nil {
		return false
	}
	c.tick++
	s.used = c.tick
	copy(p, s.plain[lo:])
	return true
}

// put takes plain and the buffer it lies in, and gives back the buffer of
// what it displaced, or nil.
func (c *chunkCache) put(chunk uint64, plain []byte, buf *[]byte) *[]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.find(chunk) != nil {
		return buf // another reader was faster
	}
	oldest := &c.slots[0]
	for i := range c.slots {
		if c.slots[i].used < oldest.used {
			oldest = &c.slots[i]
		}
	}
	c.tick++
	displaced := oldest.buf
	*oldest = cacheSlot{chunk: chunk, used: c.tick, plain: plain, buf: buf}
	return displaced
}

func (c *chunkCache) find(chunk uint64) *cacheSlot {
	for i := range c.slots {
		if s := &c.slots[i]; s.used != 0 && s.chunk == chunk {
			return s
		}
	}
	return nil
}
