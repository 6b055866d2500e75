package storage

import (
	"errors"
	"fmt"
	"math"
)

// arenaMax is the largest number of bytes of own texts: offsets are 32 bits.
const arenaMax = math.MaxUint32

// verify checks what a symbol table promises, after its arrays came from
// outside with the lengths that they should have; but not that no two symbols
// are the same.
func (s *Symbols) verify() error {
	if err := s.verifyTexts(); err != nil {
		return err
	}
	if err := s.packed.verify(s.n); err != nil {
		return err
	}
	if s.nums != nil && s.nums[0] == s.nums[0] {
		return errNullNumber
	}
	if s.Traits().Numeric {
		return nil
	}
	numbers := 0
	for c := uint32(1); c <= uint32(s.n); c++ {
		switch {
		case !math.IsNaN(s.at(c)):
			numbers++
		case !s.HasText(c):
			return fmt.Errorf("symbol %d has neither number nor text", c)
		}
	}
	if s.numbered() && numbers == 0 {
		return errors.New("numbers, but none in any symbol")
	}
	return nil
}

// verifyTexts checks that the arena is divided into one part per code, an
// empty one where there is no text.
func (s *Symbols) verifyTexts() error {
	if s.ends == nil {
		return nil
	}
	lo, texts := uint32(0), 0
	for c := 1; c <= s.n; c++ {
		hi := s.ends[c-1]
		switch has := s.HasText(uint32(c)); {
		case hi < lo:
			return fmt.Errorf("text of symbol %d ends at %d, before it starts at %d", c, hi, lo)
		case has:
			texts++
		case hi > lo:
			return fmt.Errorf("symbol %d has %d bytes of text, but no text", c, hi-lo)
		}
		lo = hi
	}
	if int(lo) != len(s.arena) {
		return fmt.Errorf("texts end at %d of %d bytes", lo, len(s.arena))
	}
	if rest := s.n & 63; rest != 0 && s.texted[len(s.texted)-1]>>rest != 0 {
		return errors.New("text flags behind the last symbol")
	}
	if texts == 0 {
		return errors.New("texts, but none in any symbol")
	}
	return nil
}

// indexDistinct builds the look-up indexes and checks that no two symbols are
// the same value.
func (s *Symbols) indexDistinct() error {
	s.others, s.whole = 0, wholeIndex{}
	for c := uint32(1); c <= uint32(s.n); c++ {
		if _, ok := wholeOf(s.Number(c)); !ok {
			s.others++
		}
	}
	s.newIndex(0)
	for c := uint32(1); c <= uint32(s.n); c++ {
		if have := s.enter(c); have != 0 {
			return fmt.Errorf("symbols %d and %d are the same value", have, c)
		}
	}
	s.indexed = s.n
	return nil
}

// enter puts a symbol into its index, or returns the one that is the same.
func (s *Symbols) enter(c uint32) (have uint32) {
	if u, ok := wholeOf(s.Number(c)); ok {
		return s.whole.enter(u, c)
	}
	hash := s.hashOf(c)
	slot := s.probe(hash, s.Value(c))
	if have = uint32(s.index[slot]); have == 0 {
		s.index[slot] = entry(hash, c)
	}
	return have
}
