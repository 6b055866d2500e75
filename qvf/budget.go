package qvf

import (
	"fmt"
	"sync/atomic"
)

// A budget bounds the memory that the data of a file may take, whatever its
// compressed streams say. Any number of goroutines may draw on it.
type budget struct{ left atomic.Int64 }

// Real data is four to twenty times as large in memory as in a file, sorted
// data of few values up to a hundred times. A small file of one value
// throughout can be larger yet, so there is some room to begin with.
const (
	budgetFirst   = 64 << 20
	budgetPerByte = 128
)

func newBudget(fileBytes int64) *budget {
	b := &budget{}
	b.left.Store(budgetFirst + budgetPerByte*fileBytes)
	return b
}

func (b *budget) take(n int64) error {
	if n < 0 || b.left.Add(-n) < 0 {
		b.left.Add(max(n, 0)) // there may be enough for others
		return fmt.Errorf("%d more bytes in memory are more than a file of this size may take", n)
	}
	return nil
}
