//go:build amd64 && !purego

package simd

import "golang.org/x/sys/cpu"

// Tests clear these to reach every path; nothing else writes them.
var (
	hasAVX2    = cpu.X86.HasAVX2
	hasAVX512  = cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL
	hasVBMI    = hasAVX512 && cpu.X86.HasAVX512VBMI
	hasVPOPCNT = hasAVX512 && cpu.X86.HasAVX512VPOPCNTDQ
)
