/** The page that shows runs: served, and as one file. Both read run folders as they grow, in one way. */
export { createReport, type Report, type ReportOptions } from './report.ts';
export { sendBody, sendRefusal } from './server/respond.ts';
export { isLoopback, type Page, type PageOptions, type Route, startPage } from './server/server.ts';
