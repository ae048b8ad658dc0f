#include "textflag.h"

// func getg() uintptr
TEXT ·getg(SB), NOSPLIT, $0-8
	MOVD g, ret+0(FP)
	RET

// func CallerPC() uintptr
TEXT ·CallerPC(SB), NOSPLIT|NOFRAME, $0-8
	MOVD 8(R29), R0
	MOVD R0, ret+0(FP)
	RET

// func Pause(rests uint32)
TEXT ·Pause(SB), NOSPLIT, $0-4
	MOVWU rests+0(FP), R0
again:
	YIELD
	SUBW $1, R0
	CBNZW R0, again
	RET
