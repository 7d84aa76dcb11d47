// Monaco runs its language services in workers. They lie next to this script, so the page's policy
// (`worker-src 'self'`) admits them. build.mjs fills in the names, which hold a hash.
globalThis.MonacoEnvironment = {
  getWorker(_id, label) {
    const file = WORKER_FILES[label] ?? WORKER_FILES.editor;
    return new Worker(new URL(file, import.meta.url), { type: 'module' });
  },
};
