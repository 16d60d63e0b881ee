// The crash sweep with one controller (part.ts says what it holds: B1-B12, B16, B17, K2, R1, R3-R5, A1, S4, L1, V1).
import { sweepWith } from "./part.ts";

sweepWith(1);
