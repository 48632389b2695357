/**
 * Hides stack traces until the function that it returns is called. While a resource is constructed, Pulumi's SDK notes in the
 * state where it was declared, and takes the frames of ES modules for files of the working directory: what would follow is an
 * absolute path of the workstation.
 */
export function suppressStackTraces(): () => void {
  const { prepareStackTrace } = Error;
  Error.prepareStackTrace = () => "";
  return () => {
    Error.prepareStackTrace = prepareStackTrace;
  };
}
