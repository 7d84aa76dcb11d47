import { createRoot } from 'react-dom/client';
createRoot(document.getElementById('page')).render(<main><h1>Request access</h1></main>);
