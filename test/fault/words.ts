/** The log lines that the faults are known by. */
export const RETRYING = 'cannot reach the sink or it refuses for now; trying again'
