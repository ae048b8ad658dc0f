#include "textflag.h"

// func getg() uintptr
TEXT ·getg(SB), NOSPLIT, $0-8
	MOVQ (TLS), AX
	MOVQ AX, ret+0(FP)
	RET

// func CallerPC() uintptr
TEXT ·CallerPC(SB), NOSPLIT|NOFRAME, $0-8
	MOVQ 8(BP), AX
	MOVQ AX, ret+0(FP)
	RET

// func Pause(rests uint32)
TEXT ·Pause(SB), NOSPLIT, $0-4
	MOVL rests+0(FP), AX
again:
	PAUSE
	SUBL $1, AX
	JNZ  again
	RET
